-- First schema. Times are Unix milliseconds, UTC; ids of Discord things are snowflakes.
BEGIN IMMEDIATE;

CREATE TABLE guilds (
    guild_id           INTEGER PRIMARY KEY,
    review_channel_id  INTEGER,
    reviewer_role_id   INTEGER,
    watch_bots         INTEGER NOT NULL DEFAULT 0 CHECK (watch_bots IN (0, 1)),
    notice_channel_id  INTEGER, -- the one line that announces waiting cards
    notice_message_id  INTEGER,
    updated_at         INTEGER NOT NULL
) STRICT;

CREATE TABLE watched_channels (
    channel_id  INTEGER PRIMARY KEY,
    guild_id    INTEGER NOT NULL REFERENCES guilds (guild_id) ON DELETE CASCADE,
    added_by    INTEGER NOT NULL,
    added_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX watched_channels_by_guild ON watched_channels (guild_id);

-- channel_id 0 is the whole server: NULL would not be unique in a key.
CREATE TABLE thresholds (
    guild_id    INTEGER NOT NULL,
    channel_id  INTEGER NOT NULL DEFAULT 0,
    score_key   TEXT NOT NULL,
    value       REAL NOT NULL CHECK (value BETWEEN 0 AND 1),
    PRIMARY KEY (guild_id, channel_id, score_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE threshold_changes (
    id          INTEGER PRIMARY KEY,
    guild_id    INTEGER NOT NULL,
    channel_id  INTEGER NOT NULL DEFAULT 0,
    score_key   TEXT NOT NULL,
    old_value   REAL,
    new_value   REAL,
    changed_by  INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX threshold_changes_by_guild ON threshold_changes (guild_id, id);

CREATE TABLE posts (
    id                   INTEGER PRIMARY KEY,
    source               TEXT NOT NULL CHECK (source IN ('discord', 'file')),
    external_id          TEXT NOT NULL,
    guild_id             INTEGER,
    channel_id           INTEGER,
    thread_id            INTEGER,
    author_id            TEXT NOT NULL,
    is_starter           INTEGER NOT NULL DEFAULT 0 CHECK (is_starter IN (0, 1)),
    created_at           INTEGER NOT NULL,
    current_decision_id  INTEGER REFERENCES decisions (id),
    failure              TEXT, -- why the latest revision could not be scored
    deleted_at           INTEGER,
    UNIQUE (source, external_id),
    CHECK (source = 'file' OR (guild_id IS NOT NULL AND channel_id IS NOT NULL))
) STRICT;
CREATE INDEX posts_by_channel ON posts (channel_id);
CREATE INDEX posts_by_thread ON posts (thread_id) WHERE thread_id IS NOT NULL;
CREATE INDEX posts_failed ON posts (guild_id) WHERE failure IS NOT NULL;

-- The log: one row for every revision of every post, flagged or not, without the post's words.
CREATE TABLE decisions (
    id               INTEGER PRIMARY KEY,
    post_id          INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    guild_id         INTEGER,
    revision         TEXT NOT NULL,
    model_version    TEXT NOT NULL,
    inflammatory     REAL, -- NULL: there was nothing to read
    misinformation   REAL,
    scores           TEXT NOT NULL CHECK (json_valid(scores)),
    thresholds       TEXT NOT NULL CHECK (json_valid(thresholds)),
    context          TEXT NOT NULL CHECK (json_valid(context)),
    flagged          INTEGER NOT NULL CHECK (flagged IN (0, 1)),
    flags            TEXT NOT NULL CHECK (json_valid(flags)),
    strongest_label  TEXT,
    latency_ms       REAL NOT NULL,
    decided_at       INTEGER NOT NULL,
    UNIQUE (post_id, revision)
) STRICT;
CREATE INDEX decisions_by_guild ON decisions (guild_id, decided_at);

-- The words behind a flag, apart from the log so that retention can sweep them.
CREATE TABLE evidence (
    decision_id     INTEGER PRIMARY KEY REFERENCES decisions (id) ON DELETE CASCADE,
    author_name     TEXT NOT NULL,
    text            TEXT NOT NULL,
    decisive_start  INTEGER,
    decisive_end    INTEGER,
    thread_title    TEXT,
    reply_to        TEXT,
    stored_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX evidence_by_age ON evidence (stored_at);

-- `version` grows with everything a card must show; the card is behind while shown_version < version.
CREATE TABLE reviews (
    id               INTEGER PRIMARY KEY,
    post_id          INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    decision_id      INTEGER NOT NULL REFERENCES decisions (id),
    guild_id         INTEGER NOT NULL,
    opened_at        INTEGER NOT NULL,
    outcome          TEXT CHECK (outcome IN ('confirmed', 'false_alarm', 'removing', 'removed')),
    resolved_by      INTEGER,
    resolved_at      INTEGER,
    version          INTEGER NOT NULL DEFAULT 1,
    shown_version    INTEGER NOT NULL DEFAULT 0,
    card_channel_id  INTEGER,
    card_message_id  INTEGER,
    card_posted_at   INTEGER,
    shown_decision_id INTEGER REFERENCES decisions (id), -- whose words the card shows: a verdict covers these alone
    CHECK ((outcome IS NULL) = (resolved_at IS NULL) AND (outcome IS NULL) = (resolved_by IS NULL)),
    CHECK ((card_channel_id IS NULL) = (card_message_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX reviews_one_open ON reviews (post_id) WHERE outcome IS NULL;
CREATE INDEX reviews_by_post ON reviews (post_id);
CREATE INDEX reviews_by_decision ON reviews (decision_id);
CREATE INDEX reviews_behind ON reviews (guild_id, id) WHERE shown_version < version;
CREATE INDEX reviews_by_posting ON reviews (guild_id, card_posted_at) WHERE card_posted_at IS NOT NULL;
CREATE INDEX reviews_by_card ON reviews (card_message_id) WHERE card_message_id IS NOT NULL;
CREATE INDEX reviews_open ON reviews (guild_id) WHERE outcome IS NULL;

CREATE TABLE review_events (
    id         INTEGER PRIMARY KEY,
    review_id  INTEGER NOT NULL REFERENCES reviews (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,
    actor_id   INTEGER, -- NULL: the bot
    detail     TEXT,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX review_events_by_review ON review_events (review_id);

-- Low-water marks: every message of the channel up to `position` is decided, ignored or marked failed.
CREATE TABLE cursors (
    channel_id  INTEGER PRIMARY KEY,
    position    INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

PRAGMA user_version = 1;
COMMIT;
