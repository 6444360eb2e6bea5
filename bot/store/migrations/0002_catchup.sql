-- Catching up after a gap: what failed is tried again a few times, what could not be read is written down.
BEGIN IMMEDIATE;

ALTER TABLE posts ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0; -- how often scoring failed since it last worked
ALTER TABLE posts ADD COLUMN edited_at INTEGER; -- of the newest state that was decided
CREATE INDEX posts_standing_in_threads ON posts (guild_id, created_at)
    WHERE deleted_at IS NULL AND thread_id IS NOT NULL;
CREATE INDEX posts_in_order ON posts (coalesce(thread_id, channel_id), created_at);

-- Stretches of a channel that nobody will read any more: said in `/status`, and kept for later questions.
CREATE TABLE unchecked (
    id          INTEGER PRIMARY KEY,
    guild_id    INTEGER NOT NULL,
    channel_id  INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    noted_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX unchecked_by_guild ON unchecked (guild_id, id);

PRAGMA user_version = 2;
COMMIT;
