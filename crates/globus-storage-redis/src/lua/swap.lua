-- Replaces fields of a hash, all of them or none, if each still has the value that the caller has read.
-- KEYS: the hash of the namespace, the set of namespaces.
-- ARGV: the namespace, then for each field its name, the value that was read, and the new one. An empty text
-- stands for a field that is not there.
-- Answers 1, or the values that are there instead.
local fields = {}
for i = 2, #ARGV, 3 do
  fields[#fields + 1] = ARGV[i]
end
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
for i, value in ipairs(stored) do
  if (value or '') ~= ARGV[3 * i] then
    return stored
  end
end
for i = 2, #ARGV, 3 do
  if ARGV[i + 2] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('SADD', KEYS[2], ARGV[1])
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
  end
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SREM', KEYS[2], ARGV[1])
end
return 1
