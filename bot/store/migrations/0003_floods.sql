-- Floods: heat alerts (see cogs/review).
BEGIN IMMEDIATE;
PRAGMA user_version = 3;
COMMIT;
