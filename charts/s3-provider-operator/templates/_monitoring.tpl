{{/* Labels of what watches the operator as a whole. In: root, labels. */}}
{{- define "s3-provider-operator.monitoringLabels" -}}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: {{ default "s3-operator" .root.Values.nameOverride }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with mergeOverwrite (deepCopy .root.Values.commonLabels) .labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "s3-provider-operator.monitoringName" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}
