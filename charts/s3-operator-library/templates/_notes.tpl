{{/* What to do next. In: root, names. */}}
{{- define "s3-operator.notes" -}}
{{- $namespace := .root.Release.Namespace -}}
{{ .root.Chart.Name }} {{ .root.Chart.AppVersion }} is installed in namespace {{ $namespace }}.
{{ range .names }}
{{- $context := dict "root" $.root "name" . }}
  kubectl rollout status -n {{ $namespace }} deployment -l app.kubernetes.io/instance={{ $.root.Release.Name }},app.kubernetes.io/name={{ . }}-controller
{{- end }}

{{- if not .root.Values.controllers }}

This chart has no CRDs. Once for each cluster, and again with each new version:

  helm show crds oci://ghcr.io/cloud37/wasabi-s3-operator/charts/s3-provider-operator --version {{ .root.Chart.Version }} | kubectl apply --server-side --force-conflicts -f -
{{- end }}

Next, a Secret with the credentials and a Provider that names it{{ with include "s3-operator.watchNamespaces" (dict "namespace" $namespace "values" .root.Values) }}, in a namespace that is watched ({{ replace "," ", " . }}){{ end }}:

  kubectl create secret generic store-admin --from-literal=access-key=… --from-literal=secret-key=…
  kubectl apply -f - <<'END'
  apiVersion: s3.cloud37.dev/v1alpha1
  kind: Provider
  metadata: { name: store }
  spec:
    type: minio # aws, wasabi, minio or custom
    endpoint: https://minio.example.com
    region: us-east-1
    auth:
      accessKeySecretRef: { name: store-admin, key: access-key }
      secretKeySecretRef: { name: store-admin, key: secret-key }
  END
  kubectl get s3 -A

Uninstalling keeps the CRDs, all objects, buckets and keys. Helm does not upgrade CRDs: before an upgrade apply those of the new version.
{{- end -}}
