{{/*
Roles and bindings of one controller. `s3-operator.grants.<name>.<where>` are generated from tools/charts/rbac.ts; where means:
own, referred, secrets, release, cluster, clusterRole.
*/}}
{{- define "s3-operator.roles" -}}
{{- $preset := .values.rbac.preset -}}
{{- $release := .root.Release.Namespace -}}
{{- $watched := ternary (list) (splitList "," .watchNamespaces) (eq .watchNamespaces "") -}}
{{- $cluster := list "cluster" -}}
{{- $role := list -}}
{{- if eq $preset "full" -}}
{{- $cluster = list "own" "referred" "secrets" "cluster" "clusterRole" -}}
{{- else if eq $preset "scoped" -}}
{{- $cluster = list "referred" "cluster" "clusterRole" -}}
{{- $role = list "own" "secrets" -}}
{{- else -}}
{{- $cluster = list -}}
{{- $role = list "own" "referred" "secrets" "cluster" -}}
{{- end -}}
{{- if $cluster }}
---
{{ include "s3-operator.role" (merge (dict "kind" "ClusterRole" "roleName" (printf "%s:%s" $release .fullname) "namespace" "" "wheres" $cluster) .) }}
{{- else }}
---
{{ include "s3-operator.identityRole" . }}
{{- end }}
{{- if $role }}
{{- range $namespace := $watched }}
---
{{ include "s3-operator.role" (merge (dict "kind" "Role" "roleName" (printf "%s:%s" $release $.fullname) "namespace" $namespace "wheres" $role) $) }}
{{- end }}
{{- end }}
{{- range $namespace := .values.rbac.providerNamespaces }}
{{- if not (or (has $namespace $watched) (eq $.name "provider")) }}
---
{{ include "s3-operator.providerSecretsRole" (merge (dict "namespace" $namespace "roleName" (printf "%s:%s:providers" $release $.fullname)) $) }}
{{- end }}
{{- end }}
---
{{ include "s3-operator.role" (merge (dict "kind" "Role" "roleName" (printf "%s-own" .fullname) "namespace" $release "wheres" (list "release")) .) }}
{{- end -}}

{{/* A role and its binding. In: what `s3-operator.controller` gathers, and kind, roleName, namespace, wheres. */}}
{{- define "s3-operator.role" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  {{- include "s3-operator.roleMetadata" . | nindent 2 }}
rules:
  {{- range .wheres }}
  {{- include (printf "s3-operator.grants.%s.%s" $.name .) $ | nindent 2 }}
  {{- end }}
---
{{ include "s3-operator.binding" . }}
{{- end -}}

{{/*
With Roles alone a controller reads Namespaces through Roles in them: its own by those above, and the identity of the cluster, which is the uid of kube-system, by this one.
Source: Kubernetes, authorization attributes of a request for a Namespace.
*/}}
{{- define "s3-operator.identityRole" -}}
{{- $context := merge (dict "kind" "Role" "roleName" (printf "%s:%s" .root.Release.Namespace .fullname) "namespace" "kube-system") . -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- include "s3-operator.roleMetadata" $context | nindent 2 }}
rules:
  - { apiGroups: [''], resources: [namespaces], verbs: [get], resourceNames: [kube-system] }
---
{{ include "s3-operator.binding" $context }}
{{- end -}}

{{- define "s3-operator.providerSecretsRole" -}}
{{- $context := merge (dict "kind" "Role") . -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- include "s3-operator.roleMetadata" $context | nindent 2 }}
rules:
  - { apiGroups: [''], resources: [secrets], verbs: [get] }
---
{{ include "s3-operator.binding" $context }}
{{- end -}}

{{- define "s3-operator.binding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  {{- include "s3-operator.roleMetadata" . | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .roleName }}
subjects:
  - { kind: ServiceAccount, name: {{ .serviceAccount }}, namespace: {{ .root.Release.Namespace }} }
{{- end -}}

{{- define "s3-operator.roleMetadata" -}}
name: {{ .roleName }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "s3-operator.labels" . | nindent 2 }}
{{- end -}}

{{/*
What people may do with the four kinds, added to Kubernetes' own roles. A Provider reads Secrets of its namespace and shows them to the
endpoint that it names, so only `admin` may write one.
*/}}
{{- define "s3-operator.userRoles" -}}
{{- $context := dict "root" .root "name" "provider" -}}
{{- range $role, $rules := dict
  "view" (list (dict "apiGroups" (list "s3.cloud37.dev") "resources" (list "providers" "buckets" "bucketpolicies" "accesskeys") "verbs" (list "get" "list" "watch")))
  "edit" (list (dict "apiGroups" (list "s3.cloud37.dev") "resources" (list "buckets" "bucketpolicies" "accesskeys") "verbs" (list "create" "update" "patch" "delete" "deletecollection")))
  "admin" (list (dict "apiGroups" (list "s3.cloud37.dev") "resources" (list "providers") "verbs" (list "create" "update" "patch" "delete" "deletecollection"))) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: s3-operator-{{ $role }}
  labels:
    {{- include "s3-operator.labels" $context | nindent 4 }}
    {{- range $to := (get (dict "view" (list "view" "edit" "admin") "edit" (list "edit" "admin") "admin" (list "admin")) $role) }}
    rbac.authorization.k8s.io/aggregate-to-{{ $to }}: "true"
    {{- end }}
rules:
  {{- toYaml $rules | nindent 2 }}
{{- end }}
{{- end -}}
