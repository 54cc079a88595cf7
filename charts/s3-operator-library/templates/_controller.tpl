{{/* Everything of one controller. In: root, name. */}}
{{- define "s3-operator.controller" -}}
{{- $values := include "s3-operator.values" . | fromYaml -}}
{{- $context := dict "root" .root "name" .name "values" $values -}}
{{- include "s3-operator.check" $context -}}
{{- $fullname := include "s3-operator.fullname" $context -}}
{{- $_ := set $context "fullname" $fullname -}}
{{- $_ := set $context "watchNamespaces" (include "s3-operator.watchNamespaces" (dict "namespace" .root.Release.Namespace "values" $values)) -}}
{{- $_ := set $context "serviceAccount" (include "s3-operator.serviceAccount" $context) -}}
{{- if $values.operator.serviceAccount.create }}
---
{{ include "s3-operator.serviceAccountObject" $context }}
{{- end }}
{{- if $values.rbac.create }}
{{ include "s3-operator.roles" $context }}
{{- end }}
{{- if $values.watch.shards }}
{{- range $values.watch.shards }}
{{ include "s3-operator.shard" (merge (dict "deployment" (printf "%s-%s" $fullname .name) "shard" .name "selector" .selector) $context) }}
{{- end }}
{{- else }}
{{ include "s3-operator.shard" (merge (dict "deployment" $fullname "shard" "" "selector" $values.watch.selector) $context) }}
{{- end }}
{{- if and $values.metrics.enabled $values.metrics.service.enabled }}
---
{{ include "s3-operator.service" $context }}
{{- end }}
{{- if $values.metrics.serviceMonitor.enabled }}
---
{{ include "s3-operator.serviceMonitor" $context }}
{{- end }}
{{- if $values.operator.networkPolicy.enabled }}
---
{{ include "s3-operator.networkPolicy" $context }}
{{- end }}
{{- end -}}

{{/* A Deployment and what is of it alone. In: what `s3-operator.controller` gathers, and deployment, shard, selector. */}}
{{- define "s3-operator.shard" -}}
---
{{ include "s3-operator.deployment" . }}
{{- if .values.operator.podDisruptionBudget.enabled }}
---
{{ include "s3-operator.podDisruptionBudget" . }}
{{- end }}
{{- end -}}

{{- define "s3-operator.metadata" -}}
name: {{ .fullname }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "s3-operator.labels" . | nindent 2 }}
{{- end -}}

{{- define "s3-operator.serviceAccountObject" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .serviceAccount }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "s3-operator.labels" . | nindent 4 }}
  {{- with .values.operator.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
