-- wrk's side of the HTTP test: with a file named after `--`, each response must be status 200 with exactly that file as
-- its body; without one (bodies too large to gather a thousand at a time) wrk's own counters and its parser, which
-- insists on Content-Length, are the check. Prints one line the driver reads, whatever happened.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local function check_whole_responses(expected)
  function response(status, _, body)
    if status ~= 200 or body ~= expected then
      wrong = wrong + 1
    else
      right = right + 1
    end
  end
end

function init(args)
  right, wrong = 0, 0
  if args[1] then
    local file = assert(io.open(args[1], "rb"))
    check_whole_responses(file:read("*a"))
    file:close()
  end
end

function done(summary, _, _)
  local right_sum, wrong_sum = 0, 0
  for _, thread in ipairs(threads) do
    right_sum = right_sum + thread:get("right")
    wrong_sum = wrong_sum + thread:get("wrong")
  end
  local errors = summary.errors
  print(string.format(
    "CHECK requests=%d right=%d wrong=%d connect=%d read=%d write=%d status=%d timeout=%d",
    summary.requests, right_sum, wrong_sum, errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
