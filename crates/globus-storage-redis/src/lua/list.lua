-- The namespaces that hold tokens. A hash that was deleted by hand leaves its name in the set; it is not listed.
-- KEYS: the set of namespaces. ARGV: what the keys of their hashes begin with. These are in the slot of the set.
local holding = {}
for _, namespace in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('EXISTS', ARGV[1] .. namespace) == 1 then
    holding[#holding + 1] = namespace
  end
end
return holding
