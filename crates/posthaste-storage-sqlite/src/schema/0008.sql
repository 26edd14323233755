-- An account's roll-ups without looking at everybody's: for its charts, and for when it was last asked. Sums that grow in
-- place leave it alone; only a combination that is new is noted in it.
CREATE INDEX rollup_of_account ON rollup (account_id, period, start);
