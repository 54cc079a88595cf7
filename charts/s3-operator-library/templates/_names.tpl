{{/* Name of the objects of one controller. In: root, name. */}}
{{- define "s3-operator.fullname" -}}
{{- $controller := printf "%s-controller" .name -}}
{{- $prefix := default .root.Release.Name .root.Values.fullnameOverride -}}
{{- if contains $controller $prefix -}}
{{- $prefix | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" ($prefix | trunc 31 | trimSuffix "-") $controller -}}
{{- end -}}
{{- end -}}

{{- define "s3-operator.serviceAccount" -}}
{{- default .fullname .values.operator.serviceAccount.name -}}
{{- end -}}

{{/* What selects the Pods of one controller: never changed, because a Deployment's selector cannot be. In: root, name. */}}
{{- define "s3-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ .name }}-controller
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{- define "s3-operator.labels" -}}
{{ include "s3-operator.selectorLabels" . }}
app.kubernetes.io/part-of: {{ default "s3-operator" .root.Values.nameOverride }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "s3-operator.image" -}}
{{- $image := .values.operator.image -}}
{{- $name := printf "%s/%s/%s-controller" $image.registry $image.repository .name -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .root.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}
