-- KEYS: news, resting, health of the account
-- ARGV: `r` for a rest, `s` for a recovery, `x` for a release; what of the account; since when it is so; until when;
--       strikes; the account; the news; now; until when it is kept; milliseconds to keep it; how many news the feed holds;
--       milliseconds to keep the feed
-- What is known of a part is `<r|s|x> <since> <until> <strikes> <kept until> <news>`. Moments are exact as doubles until 2255.
-- Answers 1 when it was told, 0 when it says nothing new
local kind, part, since, until_, strikes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local now, kept = tonumber(ARGV[8]), tonumber(ARGV[9])

local function is_news()
  local known = redis.call('HGET', KEYS[3], part)
  if kind == 'x' or not known then return true end
  local k, s, u, n, e = string.match(known, '^(%a) (%-?%d+) (%-?%d+) (%d+) (%-?%d+) ')
  if not k or tonumber(e) <= now then return true end
  if kind == 'r' and k == 'r' then return until_ > tonumber(u) or strikes > tonumber(n) end
  if kind == 'r' then return since >= tonumber(s) end
  return k == 'r' and since >= tonumber(s)
end

local function keep(key, milliseconds)
  if redis.call('PTTL', key) < tonumber(milliseconds) then redis.call('PEXPIRE', key, milliseconds) end
end

if not is_news() then return 0 end

if kind == 'x' then redis.call('DEL', KEYS[3]) end
local known = table.concat({kind, ARGV[3], ARGV[4], ARGV[5], ARGV[9], ARGV[7]}, ' ')
redis.call('HSET', KEYS[3], part, known)
keep(KEYS[3], ARGV[10])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], 'GT', kept, ARGV[6])
keep(KEYS[2], ARGV[10])

-- Numbers go on one by one, so that a reader sees where some are missing. A feed that is new begins with the clock: what
-- was told before it was lost stands lower.
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local before = last and tonumber(string.match(last[1], '^%d+')) or 0
local number = last and before + 1 or math.max(now, 1)
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[11], string.format('%.0f-0', number),
  'after', string.format('%.0f', before), 'news', ARGV[7])
keep(KEYS[1], ARGV[12])
return 1
