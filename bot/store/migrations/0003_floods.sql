-- Floods: several reviews may share one card (the same card_message_id), and a thread that boils over is announced.
-- From here on `card_posted_at` is when the last card was posted that a review was the first on.
BEGIN IMMEDIATE;

DROP INDEX reviews_behind;
CREATE INDEX reviews_waiting ON reviews (guild_id, id) WHERE card_message_id IS NULL AND outcome IS NULL;
CREATE INDEX reviews_cards_behind ON reviews (guild_id, card_message_id, card_channel_id)
    WHERE shown_version < version AND card_message_id IS NOT NULL;
CREATE INDEX reviews_by_opening ON reviews (opened_at, guild_id);

-- The last alert about each thread, or channel without threads.
CREATE TABLE heat_alerts (
    channel_id  INTEGER PRIMARY KEY,
    guild_id    INTEGER NOT NULL,
    posted_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX heat_alerts_by_posting ON heat_alerts (guild_id, posted_at);

PRAGMA user_version = 3;
COMMIT;
