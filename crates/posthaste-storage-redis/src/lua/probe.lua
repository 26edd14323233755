-- KEYS: any key of the relay
-- Answers whether the key is there
return redis.call('EXISTS', KEYS[1])
