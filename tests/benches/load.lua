-- Writes for wrk: each request gives a customer that nobody has seen yet a category.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init()
   run = os.time() % 0x10000000 * 16 + number
   sent = 0
   wrk.headers["content-type"] = "application/json"
end

function request()
   sent = sent + 1
   local customer = string.format("%08x-0000-4000-8000-%012x", run, sent)
   local path = "/v4/orgs/load/customers/" .. customer .. "/categories"
   return wrk.format("POST", path, nil, '{"id": 1, "value": "gold"}')
end
