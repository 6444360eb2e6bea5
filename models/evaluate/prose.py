"""What the model card says in words; all figures come from the evaluation."""

INTRODUCTION = """\
# Model card: {version}

A multi-label classifier of discussion posts in English: all-MiniLM-L6-v2 (22 million parameters, Apache-2.0),
fine-tuned by `python -m models.train`. It gives two axes (inflammatory, misinformation-prone) and the labels that
explain them; every score is calibrated, on the development rows together, to a stream of which 10 % is positive.

This page is written by `python -m models.evaluate --card docs/model-card.md --rows {rows}`: nothing on it is typed
by hand but the explanations. Intervals are 95 % percentile bootstrap over posts.

**Intended use.** Pick out of a discussion the few posts that a human moderator should look at, and show why.

**Not for.** Acting on people without a human decision; checking facts (a misinformation score says how a post is
*framed*; the model knows nothing about the world); rating or profiling persons; languages other than English;
emergencies (a threat that it misses is no sign of safety).

**Limits.** It reads a post, its title and the post it answers, not the thread. It cannot know that a claim is
true. Irony, allusion and community language escape it; its training sets were labelled by other people for other
purposes, and their blind spots are its own."""

TEST_SETS = """\
Nothing here took part in training or calibration. Two sets are not quite blind: figures of bias_madlibs spoke for
swapping groups in training and for posts of our own in the same shapes, and cad's test rows against another choice of
thresholds; nor are the long ones of our corpus, which showed that length alone was flagged (`docs/training.md`). `*`:
no row of that set was trained on. Macro-F1 is at a threshold fixed on development rows; recall and false alarms are
at the default threshold, which is chosen for few false alarms; ECE is at the stated prevalence. alt-profanity-check is
a linear model over words."""

PUBLISHED = """\
Published figures on the same test splits: tweeteval_hate macro-F1 RoBERTa-base .466, BERTweet .564, SVM .367; olid
(TweetEval offensive) macro-F1 RoBERTa-base .795, SVM .523; edos task A macro-F1 best .875, median entry .835, with
large models. Not quite alike: unhealthy_conversations AUC of BERT .78–.84 by attribute, of one human .68–.76.
dynahate's splits hold variants of one another, so its figure flatters; psycomark's test subreddits are mostly
r/conspiracy."""

CIVIL = """\
Angry but civil: share flagged by anything at all (an axis or a label) at the default thresholds, or as inflammatory
where the name says so. The limits are 2 % of the first three strata together, 5 % of the news sentences and 5 % of the
harmless posts that name a group; the thresholds were chosen within tighter ones, by as much as cross-validation on
development rows shows them to be overrun on other posts. That was in single precision; here they are applied to the
int8 graph. The test rows are others; of news and groups there are none. The last stratum holds the hardest posts
without a label: reported threats, quoted insults, claims with a source."""

CALIBRATION = """\
Expected calibration error (ECE) in ten bins of equal weight, on the half of the development rows that the
calibration was not fitted on, weighted so that a share of {prevalence:.0%} is positive. Empty: fewer than 20
positives."""

DISGUISE = """\
AUC on test posts when all of them are disguised in one way (`models/train/evasion.py`). Training saw the same kinds,
but for look-alikes, zero-width and casing, which cleaning undoes; it undoes most slips and covered letters, too."""

BIAS = """\
Template sentences of bias_madlibs ("Being TERM is kind"), score inflammatory. False alarms are the harmless
sentences at or above the default threshold."""

TRAINING = """\
And `models/train/corpus`, written for this project.
Rows drawn for a pass at most (of sets on facts three times as many in the closing one, if there are), licence as
found, source."""

ROUNDING = """\
All figures above are of the int8 graph, which is what runs where there is no GPU. Here it is compared with the weights
that it was made from, in single precision, on the same posts. The worst set loses {worst:.2f} points of AUC; the aim
is at most 0.5. Verdicts change where a score lies at its threshold.
"""
