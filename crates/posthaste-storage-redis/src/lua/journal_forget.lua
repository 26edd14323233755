-- Forgets entries of a journal up to a number, but never the last one.
-- KEYS: the journal's stream
-- ARGV: number
-- Answers how many those were
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not last then return 0 end
local stands = tonumber(string.match(last[1], '^%d+'))
local least = math.min(tonumber(ARGV[1]) + 1, stands)
return redis.call('XTRIM', KEYS[1], 'MINID', '=', string.format('%d-0', least))
