{{/*
Refuses the deletion of our CRDs: with a CRD go all its objects. The controllers undo nothing at a server for that, and nobody would manage it any more. In: root. Source: Kubernetes, admissionregistration.k8s.io/v1.
*/}}
{{- define "s3-operator.crdGuard" -}}
{{- $context := dict "root" .root "name" "provider" -}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: s3-operator-crds
  labels:
    {{- include "s3-operator.labels" $context | nindent 4 }}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: [apiextensions.k8s.io]
        apiVersions: ['*']
        operations: [DELETE]
        resources: [customresourcedefinitions]
        scope: Cluster
  matchConditions:
    - name: ours
      expression: oldObject.spec.group == 's3.cloud37.dev'
  validations:
    - expression: >-
        has(oldObject.metadata.annotations) &&
        's3.cloud37.dev/allow-deletion' in oldObject.metadata.annotations &&
        oldObject.metadata.annotations['s3.cloud37.dev/allow-deletion'] == 'true'
      messageExpression: >-
        'With this CRD all ' + oldObject.spec.names.plural + ' would be deleted, and what they have at their servers would be managed by nobody. '
        + 'If that is meant: kubectl annotate crd ' + oldObject.metadata.name + ' s3.cloud37.dev/allow-deletion=true'
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: s3-operator-crds
  labels:
    {{- include "s3-operator.labels" $context | nindent 4 }}
spec:
  policyName: s3-operator-crds
  validationActions: [Deny]
{{- end -}}
