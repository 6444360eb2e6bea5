"""What docs/performance.md says around its tables."""

INTRODUCTION = """\
# Performance

Written by `make bench` (some twenty minutes). Everything that is compared was measured in turns in the same run, so
that the ratios hold where the figures do not. Posts are made of sentences of our corpus, no two alike, as long as
people's are: log-normal, 36 words (about 48 tokens) on average, up to 300 words."""

SPEED = """\
Detoxify is what most such bots use: its own code, one post at a time, single precision, a BERT-base (here of random
weights: they do not change its speed). Threadwatch's time counts everything from the raw post to calibrated scores.
Best of three rounds; single posts: the median, with a pause before each."""

PROFILE = """\
Reading a post is Python and the tokenizer, in a thread of its own; the forward pass is ONNX Runtime on all cores.
What is not matrix multiplication is attention (small products, a softmax each), the activation between the feed-
forward layers, rounding to 8 bits, and normalising: these are bound by memory and by vector instructions, not by
multiplying."""

LOAD = """\
The real intake, pipeline, database and model; posts arrive by chance at the rate that is offered, ten seconds each.
Latency is from the message to its decision in the database. At saturation the queue grows until it is full (1,000) and
posts are refused: on Discord they are left behind their channel's cursor and read later. The last column is the longest
time for which the event loop, and so a moderator's button, was held up."""

BEHIND = "With history read at full speed behind the live posts, which go first but wait for the 32 that are under way:"

FOOTPRINT = """\
The real bot as a process, on a small Discord on the same machine; medians of three starts. *Connected* is when posts
arrive; then discord.py waits two seconds for further servers before it says *ready*. At rest: after 200 posts."""

STORE = """\
SQLite with `synchronous=FULL`: a decision counts once it is on disk. Each batch is one transaction."""

GROWTH = """\
`python -m bot scan` of {posts:,} posts of {source} into a fresh database, watched from outside."""

TRIED = """\
## What was tried

Measured by hand while the graph was made, on the same machine beside other work, best of several; `make bench`
does not repeat it. 512 texts of 4 to 150 tokens sorted by length, batches of 1,024 tokens, forward pass alone:

| graph | posts/s | rms error of a logit (their spread is 2.6) |
|---|---|---|
| transformers' own, exported, single precision | 220 | |
| the same, with ONNX Runtime's fusions for BERT | 200 | |
| dynamic int8 of the fused graph | 365 | |
| dynamic int8 of the exported graph, per channel | 405 | .14 |
| weights of 8 bits in blocks (MatMulNBits) | 200 | |
| **ours: fixed ranges, written by hand** | **493** | .12 |
| ours, with SkipLayerNormalization fused | 384 | |
| ours, attention of single operators | 455 | |

- **Fixed ranges**: the widest 0.01 % of each activation clipped (5 in 100,000 at either end). Unclipped, or clipped
  where the squared error is least, logits were further off (.15).
- **7 bits for weights** instead of 8 cost nothing that could be measured (.12 either way) and give the same scores on
  processors without VNNI: seen by running both paths of ONNX Runtime, the old one under valgrind.
- **Two threads of one core each**, instead of one thread on both: 540 posts/s instead of 496, but a single post takes
  twice as long. Not kept.
- **Per-channel scaling of activations** before rounding (SmoothQuant), weights clipped where the squared error is
  least:
  rms error .11 instead of .12, for 3 % of the time. Not kept.
- **bfloat16 on torch** is slower than single precision on this processor, which has no matrix tiles: 125 posts/s
  instead
  of 198. Torch is therefore asked at the start which is faster.
- **An early exit** (a small head after layer 2, 3 or 4 lets posts go that are far from every threshold; bounds set on
  development rows so that 0.5 % of the flagged posts are lost, then read once on the test sets):

  | exit after | posts that leave | computing saved, test sets | flagged posts lost | mean AUC, 25 sets (95 %) |
  |---|---|---|---|---|
  | layer 2, linear | 29 % | 22 % | 0.8 % | -0.8 points (-1.1 to -0.4) |
  | layer 3, linear | 54 % | 31 % | 0.8 % | -0.7 (-1.1 to -0.3) |
  | layer 3, one hidden layer | 62 % | 35 % | 0.6 % | -0.4 (-0.8 to -0.1) |
  | layer 4, linear | 69 % | 26 % | 0.7 % | -0.5 (-0.8 to -0.3) |

    The loss is beyond noise, and mostly of posts near their threshold. Not kept. Cut in two, the int8 graph would
  be 1.3 to
  1.5 times as fast.
- **Dropping a layer** without training anew costs 0.3 to 5.3 points of AUC on inflammatory and 1.3 to 5.7 on
  misinformation, whichever it is.
- **Not tried**: a trimmed vocabulary (it would save 10 MB, no time), exits trained together with the network, a
  shallower
  student.
"""
