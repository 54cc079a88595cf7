-- Health of the four kinds. What is being deleted is Progressing to Argo CD, which asks no script then.
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function isTrue(type)
  return conditions[type] ~= nil and conditions[type].status == "True"
end

local ready = conditions.Ready
if isTrue("Paused") then
  return { status = "Suspended", message = conditions.Paused.message }
end
if ready == nil then
  return { status = "Progressing", message = "No controller has looked at it yet." }
end

local message = ready.reason .. ": " .. ready.message
if status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = message }
end
if ready.status == "True" and not isTrue("Reconciling") then
  return { status = "Healthy", message = ready.message }
end

local underWay = { Ready = true, Converging = true, Emptying = true, Rotating = true, Revoking = true }
if underWay[ready.reason] then
  return { status = "Progressing", message = message }
end
return { status = "Degraded", message = message }
