{{/* Generated from tools/charts/rbac.ts by `npm run generate`. */}}
{{- define "s3-operator.grants.provider.own" -}}
- { apiGroups: [s3.cloud37.dev], resources: [providers], verbs: [list, watch, patch] }
- { apiGroups: [s3.cloud37.dev], resources: [providers/status], verbs: [patch] }
- { apiGroups: [s3.cloud37.dev], resources: [providers], verbs: [get] }
- { apiGroups: [''], resources: [events], verbs: [create, patch] }
{{- end -}}
{{- define "s3-operator.grants.provider.referred" -}}
- { apiGroups: [s3.cloud37.dev], resources: [buckets], verbs: [list, watch] }
- { apiGroups: [s3.cloud37.dev], resources: [accesskeys], verbs: [list, watch] }
{{- end -}}
{{- define "s3-operator.grants.provider.secrets" -}}
- { apiGroups: [''], resources: [secrets], verbs: [get, list, watch] }
{{- end -}}
{{- define "s3-operator.grants.provider.release" -}}
- { apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update] }
- { apiGroups: [''], resources: [secrets], verbs: [get], resourceNames: [s3-operator-proof-key] }
- { apiGroups: [''], resources: [secrets], verbs: [create] }
{{- end -}}
{{- define "s3-operator.grants.provider.cluster" -}}
- { apiGroups: [''], resources: [namespaces], verbs: [get] }
{{- end -}}
{{- define "s3-operator.grants.provider.clusterRole" -}}
- { apiGroups: [''], resources: [namespaces], verbs: [list, watch] }
{{- end -}}
{{- define "s3-operator.grants.bucket.own" -}}
- { apiGroups: [s3.cloud37.dev], resources: [buckets], verbs: [list, watch, patch] }
- { apiGroups: [s3.cloud37.dev], resources: [buckets/status], verbs: [patch] }
- { apiGroups: [''], resources: [events], verbs: [create, patch] }
{{- end -}}
{{- define "s3-operator.grants.bucket.referred" -}}
- { apiGroups: [s3.cloud37.dev], resources: [buckets], verbs: [get] }
- { apiGroups: [s3.cloud37.dev], resources: [buckets], verbs: [list, watch] }
- { apiGroups: [s3.cloud37.dev], resources: [providers], verbs: [list, watch] }
- { apiGroups: [s3.cloud37.dev], resources: [bucketpolicies], verbs: [list, watch] }
- { apiGroups: [s3.cloud37.dev], resources: [accesskeys], verbs: [list, watch] }
{{- end -}}
{{- define "s3-operator.grants.bucket.secrets" -}}
- { apiGroups: [''], resources: [secrets], verbs: [get] }
{{- end -}}
{{- define "s3-operator.grants.bucket.release" -}}
- { apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update] }
- { apiGroups: [''], resources: [secrets], verbs: [get], resourceNames: [s3-operator-proof-key] }
- { apiGroups: [''], resources: [secrets], verbs: [create] }
{{- end -}}
{{- define "s3-operator.grants.bucket.cluster" -}}
- { apiGroups: [''], resources: [namespaces], verbs: [get] }
{{- end -}}
{{- define "s3-operator.grants.bucket.clusterRole" -}}
{{- end -}}
{{- define "s3-operator.grants.policy.own" -}}
- { apiGroups: [s3.cloud37.dev], resources: [bucketpolicies], verbs: [list, watch, patch] }
- { apiGroups: [s3.cloud37.dev], resources: [bucketpolicies/status], verbs: [patch] }
- { apiGroups: [s3.cloud37.dev], resources: [bucketpolicies], verbs: [get] }
- { apiGroups: [''], resources: [events], verbs: [create, patch] }
{{- end -}}
{{- define "s3-operator.grants.policy.referred" -}}
- { apiGroups: [s3.cloud37.dev], resources: [buckets], verbs: [get] }
- { apiGroups: [s3.cloud37.dev], resources: [providers], verbs: [get] }
- { apiGroups: [s3.cloud37.dev], resources: [bucketpolicies], verbs: [list, watch] }
- { apiGroups: [s3.cloud37.dev], resources: [buckets], verbs: [list, watch] }
- { apiGroups: [s3.cloud37.dev], resources: [providers], verbs: [list, watch] }
- { apiGroups: [s3.cloud37.dev], resources: [accesskeys], verbs: [list, watch] }
{{- end -}}
{{- define "s3-operator.grants.policy.secrets" -}}
- { apiGroups: [''], resources: [secrets], verbs: [get] }
{{- end -}}
{{- define "s3-operator.grants.policy.release" -}}
- { apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update] }
- { apiGroups: [''], resources: [secrets], verbs: [get], resourceNames: [s3-operator-proof-key] }
- { apiGroups: [''], resources: [secrets], verbs: [create] }
{{- end -}}
{{- define "s3-operator.grants.policy.cluster" -}}
- { apiGroups: [''], resources: [namespaces], verbs: [get] }
{{- end -}}
{{- define "s3-operator.grants.policy.clusterRole" -}}
{{- end -}}
{{- define "s3-operator.grants.accesskey.own" -}}
- { apiGroups: [s3.cloud37.dev], resources: [accesskeys], verbs: [list, watch, patch] }
- { apiGroups: [s3.cloud37.dev], resources: [accesskeys/status], verbs: [patch] }
- { apiGroups: [s3.cloud37.dev], resources: [accesskeys], verbs: [get] }
- { apiGroups: [s3.cloud37.dev], resources: [accesskeys/finalizers], verbs: [update] }
{{- if .values.rbac.configMaps }}
- { apiGroups: [''], resources: [configmaps], verbs: [get, create, patch, delete] }
{{- end }}
{{- if .values.rbac.rollouts }}
- { apiGroups: [apps], resources: [deployments], verbs: [get, patch] }
{{- end }}
{{- if .values.rbac.rollouts }}
- { apiGroups: [apps], resources: [statefulsets], verbs: [get, patch] }
{{- end }}
{{- if .values.rbac.rollouts }}
- { apiGroups: [apps], resources: [daemonsets], verbs: [get, patch] }
{{- end }}
- { apiGroups: [''], resources: [events], verbs: [create, patch] }
{{- end -}}
{{- define "s3-operator.grants.accesskey.referred" -}}
- { apiGroups: [s3.cloud37.dev], resources: [providers], verbs: [get] }
- { apiGroups: [s3.cloud37.dev], resources: [buckets], verbs: [get] }
- { apiGroups: [s3.cloud37.dev], resources: [providers], verbs: [list, watch] }
- { apiGroups: [s3.cloud37.dev], resources: [buckets], verbs: [list, watch] }
{{- end -}}
{{- define "s3-operator.grants.accesskey.secrets" -}}
- { apiGroups: [''], resources: [secrets], verbs: [get, list, watch, create, patch, delete] }
{{- end -}}
{{- define "s3-operator.grants.accesskey.release" -}}
- { apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update] }
- { apiGroups: [''], resources: [secrets], verbs: [get], resourceNames: [s3-operator-proof-key] }
- { apiGroups: [''], resources: [secrets], verbs: [create] }
{{- end -}}
{{- define "s3-operator.grants.accesskey.cluster" -}}
- { apiGroups: [''], resources: [namespaces], verbs: [get] }
{{- end -}}
{{- define "s3-operator.grants.accesskey.clusterRole" -}}
{{- end -}}
