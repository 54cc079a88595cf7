{{- define "s3-operator.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "s3-operator.metadata" . | nindent 2 }}
  {{- with .values.metrics.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  # Each Pod is scraped by itself.
  clusterIP: None
  selector:
    {{- include "s3-operator.selectorLabels" . | nindent 4 }}
  ports:
    - { name: metrics, port: {{ .values.metrics.port }}, targetPort: metrics, protocol: TCP }
{{- end -}}

{{- define "s3-operator.serviceMonitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- include "s3-operator.metadata" . | nindent 2 }}
    {{- with .values.metrics.serviceMonitor.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      {{- include "s3-operator.selectorLabels" . | nindent 6 }}
  endpoints:
    - port: metrics
      # The labels namespace and service of our metrics are not those of the Pod.
      honorLabels: true
      interval: {{ .values.metrics.serviceMonitor.interval }}
{{- end -}}

{{/* Each Deployment has its own: one for all shards would let the last Pod of a shard go as long as another shard has one. */}}
{{- define "s3-operator.podDisruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .deployment }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "s3-operator.labels" . | nindent 4 }}
spec:
  minAvailable: {{ .values.operator.podDisruptionBudget.minAvailable }}
  selector:
    matchLabels:
      {{- include "s3-operator.podSelector" . | nindent 6 }}
{{- end -}}

{{- define "s3-operator.networkPolicy" -}}
{{- $policy := .values.operator.networkPolicy -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "s3-operator.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "s3-operator.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- if .values.metrics.enabled }}
    - ports:
        - { port: metrics, protocol: TCP }
      from:
        {{- if $policy.metricsFrom }}
        {{- toYaml $policy.metricsFrom | nindent 8 }}
        {{- else }}
        - namespaceSelector: {}
        {{- end }}
    {{- else }}
    []
    {{- end }}
  egress:
    {{- toYaml (concat $policy.dns $policy.apiServer $policy.storage) | nindent 4 }}
{{- end -}}
