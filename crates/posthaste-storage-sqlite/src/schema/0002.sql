-- What a translation lost, one `field: what became of it` a line; empty where nothing was lost, and in rows from before.
ALTER TABLE attempt ADD COLUMN request_losses TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN answer_losses  TEXT NOT NULL DEFAULT '';
