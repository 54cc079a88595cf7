local annotations = obj.metadata.annotations or {}
local isPaused = annotations["s3.cloud37.dev/paused"] == "true"
local actions = {}
actions["reconcile"] = { ["disabled"] = isPaused }
actions["pause"] = { ["disabled"] = isPaused }
actions["resume"] = { ["disabled"] = not isPaused }
if obj.kind == "AccessKey" then
  actions["rotate"] = { ["disabled"] = isPaused }
end
return actions
