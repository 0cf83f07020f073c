-- Request heads for wrk, as browsers send them. Arguments after `--`: "varied" or "same", the Host,
-- the path, then whole field lines to add, such as "If-None-Match: ...".
--
-- Varied: one of 200 User-Agents, one of 24 Accept-Languages, and the cookies of one of a million
-- visitors, so that hardly any head comes twice. Same: always that of the first visitor.

local languages = {
  "en-US,en;q=0.9", "en-GB,en;q=0.9", "de-DE,de;q=0.9,en;q=0.8", "fr-FR,fr;q=0.9,en;q=0.8",
  "es-ES,es;q=0.9", "es-MX,es;q=0.9,en;q=0.7", "pt-BR,pt;q=0.9,en;q=0.8", "it-IT,it;q=0.9",
  "nl-NL,nl;q=0.9,en;q=0.8", "pl-PL,pl;q=0.9", "sv-SE,sv;q=0.9,en;q=0.8", "da-DK,da;q=0.9",
  "fi-FI,fi;q=0.9,en;q=0.8", "cs-CZ,cs;q=0.9", "hu-HU,hu;q=0.9", "tr-TR,tr;q=0.9",
  "ru-RU,ru;q=0.9", "uk-UA,uk;q=0.9", "ja-JP,ja;q=0.9", "ko-KR,ko;q=0.9",
  "zh-CN,zh;q=0.9", "zh-TW,zh;q=0.9", "hi-IN,hi;q=0.9,en;q=0.8", "ar-SA,ar;q=0.9",
}
local systems = {
  "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64",
  "Linux; Android 10; K", "X11; CrOS x86_64 14541.0.0",
}
local agents = {}
for version = 101, 140 do
  for _, system in ipairs(systems) do
    agents[#agents + 1] = "Mozilla/5.0 (" .. system .. ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/"
      .. version .. ".0.0.0 Safari/537.36"
  end
end

local before, after, same

local function head(agent, language, visitor)
  return before .. agents[agent] .. "\r\nAccept-Language: " .. languages[language]
    .. "\r\nCookie: visitor=" .. visitor .. "; seen=" .. visitor * 7 % 1000 .. "; theme=light" .. after
end

function init(args)
  math.randomseed(1)
  before = "GET " .. args[3] .. " HTTP/1.1\r\nHost: " .. args[2]
    .. "\r\nAccept: */*\r\nReferer: https://" .. args[2] .. "/\r\nUser-Agent: "
  after = "\r\n"
  for at = 4, #args do after = after .. args[at] .. "\r\n" end
  after = after .. "\r\n"
  if args[1] == "same" then same = head(1, 1, 1) end
end

function request()
  return same or head(math.random(#agents), math.random(#languages), math.random(1000000))
end

function done(summary)
  local errors = summary.errors
  io.write(string.format('{"requests": %d, "microseconds": %d, "errors": %d}\n', summary.requests,
    summary.duration, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
