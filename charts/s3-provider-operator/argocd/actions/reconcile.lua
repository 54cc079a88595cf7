local os = require("os")
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["s3.cloud37.dev/reconcile-requested-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
