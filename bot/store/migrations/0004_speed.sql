-- Large databases: `/status` counts the decisions of a server, flagged or not, from an index alone, and the loss of
-- a review channel finds its cards. No query needs decisions in order of time.
BEGIN IMMEDIATE;

DROP INDEX decisions_by_guild;
CREATE INDEX decisions_by_verdict ON decisions (guild_id, flagged);
CREATE INDEX reviews_by_card_channel ON reviews (card_channel_id) WHERE card_channel_id IS NOT NULL;

PRAGMA user_version = 4;
COMMIT;
