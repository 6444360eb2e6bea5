"""Training of the classifier: labelled sets in, a weights folder out (`python -m models.train --help`)."""
