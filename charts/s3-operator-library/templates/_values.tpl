{{/*
The values of one controller: those of the chart, and over them what `controllers.<name>` says of it alone.
In: root, name. Out: YAML of operator, rbac, watch, metrics.
*/}}
{{- define "s3-operator.values" -}}
{{- $values := .root.Values -}}
{{- $shared := dict "operator" $values.operator "rbac" $values.rbac "watch" $values.watch "metrics" $values.metrics -}}
{{- $own := dict -}}
{{- if $values.controllers -}}
{{- $own = omit (get $values.controllers .name) "enabled" -}}
{{- end -}}
{{- mergeOverwrite (deepCopy $shared) (deepCopy $own) | toYaml -}}
{{- end -}}

{{/* The namespaces whose objects are reconciled, with commas between; empty for all. In: namespace, values. */}}
{{- define "s3-operator.watchNamespaces" -}}
{{- if .values.watch.namespaces -}}
{{- .values.watch.namespaces | uniq | join "," -}}
{{- else if eq .values.rbac.preset "minimal" -}}
{{- .namespace -}}
{{- end -}}
{{- end -}}

{{/* Refuses values that each are right and together are not. In: name, values. */}}
{{- define "s3-operator.check" -}}
{{- $rbac := .values.rbac -}}
{{- if and (eq $rbac.preset "scoped") (not .values.watch.namespaces) -}}
{{- fail (printf "%s-controller: rbac.preset is scoped, and watch.namespaces is empty. List the namespaces, or set rbac.preset: full." .name) -}}
{{- end -}}
{{- if and $rbac.providerNamespaces (ne $rbac.preset "scoped") -}}
{{- fail (printf "%s-controller: rbac.providerNamespaces is for rbac.preset: scoped, and the preset is %s." .name $rbac.preset) -}}
{{- end -}}
{{- if and .values.watch.shards .values.watch.selector -}}
{{- fail (printf "%s-controller: watch.selector and watch.shards are both set. Keep one of them." .name) -}}
{{- end -}}
{{- if and (gt (int .values.operator.replicas) 1) (not .values.operator.leaderElection) -}}
{{- fail (printf "%s-controller: operator.replicas is %d and operator.leaderElection is false: two would write at once. Turn the election on, or set operator.replicas: 1." .name (int .values.operator.replicas)) -}}
{{- end -}}
{{- if and .values.metrics.serviceMonitor.enabled (not (and .values.metrics.enabled .values.metrics.service.enabled)) -}}
{{- fail (printf "%s-controller: metrics.serviceMonitor needs metrics.enabled and metrics.service.enabled." .name) -}}
{{- end -}}
{{- $names := list -}}
{{- $selectors := list -}}
{{- range .values.watch.shards -}}{{- $names = append $names .name -}}{{- $selectors = append $selectors .selector -}}{{- end -}}
{{- if ne (len $selectors) (len (uniq $selectors)) -}}
{{- fail (printf "%s-controller: two entries of watch.shards have the same selector: both would write to the same objects. Give each its own." .name) -}}
{{- end -}}
{{- if ne (len $names) (len (uniq $names)) -}}
{{- fail (printf "%s-controller: two entries of watch.shards have the same name." .name) -}}
{{- end -}}
{{- end -}}
