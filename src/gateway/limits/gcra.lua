-- GCRA for all rates of one call: it passes all of them and pays each, or pays none.
-- KEYS: one for each rate. ARGV: for each rate its period and its credit, each as seconds and nanoseconds.
-- A key holds when its subject will have paid for its calls, as seconds and nanoseconds of this server's clock. Numbers
-- are kept apart because a number of this language is exact up to 2^53 only.
-- Answers: 1 if the call passes, otherwise 0; then for each rate what is owed now and how long to wait, as seconds and
-- nanoseconds.
local time = redis.call('TIME')
local now_s, now_n = tonumber(time[1]), tonumber(time[2]) * 1000
local function add(s, n, more_s, more_n)
  s, n = s + more_s, n + more_n
  if n >= 1000000000 then return s + 1, n - 1000000000 end
  return s, n
end
local function less(s, n, than_s, than_n)
  if n < than_n then return s - 1 - than_s, n + 1000000000 - than_n end
  return s - than_s, n - than_n
end
local function is_later(s, n, than_s, than_n)
  return s > than_s or (s == than_s and n > than_n)
end
local passes, known, answer = 1, {}, {}
for i, key in ipairs(KEYS) do
  local at = (i - 1) * 4
  local period_s, period_n = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local most_s, most_n = add(now_s, now_n, tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]))
  local s, n = now_s, now_n
  local value = redis.call('GET', key)
  if value then
    local first, second = string.match(value, '^(%d+) (%d+)$')
    if first and is_later(tonumber(first), tonumber(second), s, n) then s, n = tonumber(first), tonumber(second) end
  end
  -- The rate became smaller: nobody owes more than the credit.
  if is_later(s, n, most_s, most_n) then s, n = most_s, most_n end
  local after_s, after_n = add(s, n, period_s, period_n)
  local wait_s, wait_n = 0, 0
  if is_later(after_s, after_n, most_s, most_n) then
    wait_s, wait_n = less(after_s, after_n, most_s, most_n)
    passes = 0
  end
  known[i] = { s, n, after_s, after_n, wait_s, wait_n }
end
answer[1] = passes
for i, key in ipairs(KEYS) do
  local s, n = known[i][1 + 2 * passes], known[i][2 + 2 * passes]
  local owed_s, owed_n = less(s, n, now_s, now_n)
  if owed_s > 0 or owed_n > 0 then
    redis.call('SET', key, string.format('%.0f %.0f', s, n), 'EX', string.format('%.0f', owed_s + 1))
  end
  local at = (i - 1) * 4 + 1
  answer[at + 1], answer[at + 2], answer[at + 3], answer[at + 4] = owed_s, owed_n, known[i][5], known[i][6]
end
return answer
