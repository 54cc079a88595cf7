obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["s3.cloud37.dev/paused"] = nil
return obj
