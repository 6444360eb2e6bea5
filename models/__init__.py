"""The classifier: free of Discord, of SQL and of the application around it."""
