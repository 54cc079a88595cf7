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

{{/* How many Pods of a Deployment its PodDisruptionBudget keeps; a share is rounded up, as Kubernetes does. In: values. */}}
{{- define "s3-operator.podsThatStay" -}}
{{- $wanted := toString .values.operator.podDisruptionBudget.minAvailable -}}
{{- if hasSuffix "%" $wanted -}}
{{- div (add (mul (trimSuffix "%" $wanted) .values.operator.replicas) 99) 100 -}}
{{- else -}}
{{- $wanted -}}
{{- end -}}
{{- end -}}

{{/* Seconds that a Pod has to end: ten more than the controller itself takes at most, whose own default is 25. In: values. */}}
{{- define "s3-operator.gracePeriod" -}}
{{- $seconds := 25 -}}
{{- with .values.operator.shutdownDeadline -}}
{{- $seconds = 0 -}}
{{- range regexFindAll "[0-9]+[hms]" . -1 -}}
{{- $seconds = add $seconds (mul (regexFind "[0-9]+" .) (get (dict "h" 3600 "m" 60 "s" 1) (regexFind "[hms]" .))) -}}
{{- end -}}
{{- end -}}
{{- add $seconds 10 -}}
{{- end -}}

{{/* Refuses values that each are right and together are not. In: root, name, values. */}}
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
{{- $budget := .values.operator.podDisruptionBudget -}}
{{- $replicas := int .values.operator.replicas -}}
{{- if and $budget.enabled (gt $replicas 0) (ge (include "s3-operator.podsThatStay" . | int) $replicas) -}}
{{- fail (printf "%s-controller: operator.podDisruptionBudget.minAvailable is %v and operator.replicas is %d: no Pod could ever be evicted, and the drain of a node would not end. Raise the replicas, or lower minAvailable." .name $budget.minAvailable $replicas) -}}
{{- end -}}
{{- $image := .values.operator.image -}}
{{- if and $image.tag $image.digest -}}
{{- fail (printf "%s-controller: operator.image.tag is %s, and operator.image.digest, which wins, is %s. To run the tag, set the digest of this controller to '' as well; else leave the tag out." .name $image.tag $image.digest) -}}
{{- end -}}
{{- if and .root.Values.controllers .root.Values.operator.image.digest -}}
{{- fail "operator.image.digest is one image, and each controller has its own: set controllers.<name>.operator.image.digest." -}}
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
