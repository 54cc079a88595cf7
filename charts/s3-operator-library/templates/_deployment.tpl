{{/* One Deployment. In: what `s3-operator.controller` gathers, and deployment, shard, selector. */}}
{{- define "s3-operator.deployment" -}}
{{- $operator := .values.operator -}}
{{- $metrics := .values.metrics -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .deployment }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "s3-operator.labels" . | nindent 4 }}
    {{- with .shard }}
    s3.cloud37.dev/shard: {{ . }}
    {{- end }}
spec:
  replicas: {{ $operator.replicas }}
  {{- if not $operator.leaderElection }}
  # Without an election two must not run at once, not even during an update.
  strategy: { type: Recreate }
  {{- end }}
  selector:
    matchLabels:
      {{- include "s3-operator.podSelector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "s3-operator.podSelector" . | nindent 8 }}
        app.kubernetes.io/part-of: {{ default "s3-operator" .root.Values.nameOverride }}
        {{- with $operator.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: controller
        {{- with $operator.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ .serviceAccount }}
      {{- with .root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $operator.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      # Longer than the controller's own deadline, so that it ends by itself.
      terminationGracePeriodSeconds: {{ include "s3-operator.gracePeriod" . }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: controller
          image: {{ include "s3-operator.image" . }}
          imagePullPolicy: {{ $operator.image.pullPolicy }}
          args:
            {{- with .watchNamespaces }}
            - --watch-namespaces={{ . }}
            {{- end }}
            {{- with .selector }}
            - {{ printf "--watch-selector=%s" . | quote }}
            {{- end }}
            - --workers={{ $operator.workers }}
            {{- with $operator.resyncInterval }}
            - --resync-interval={{ . }}
            {{- end }}
            - --leader-elect={{ $operator.leaderElection }}
            {{- with $operator.formerClusterIds }}
            - --former-cluster-ids={{ join "," . }}
            {{- end }}
            {{- with $operator.refusedDestinations }}
            - --refused-destinations={{ join "," . }}
            {{- end }}
            {{- if eq .values.rbac.preset "minimal" }}
            - --no-cross-namespace-refs
            {{- end }}
            - --metrics-address={{ if $metrics.enabled }}:{{ $metrics.port }}{{ else }}0{{ end }}
            - --health-address=:8081
            - --log-level={{ $operator.logLevel }}
            {{- with $operator.shutdownDeadline }}
            - --shutdown-deadline={{ . }}
            {{- end }}
            {{- range $operator.extraArgs }}
            - {{ . | quote }}
            {{- end }}
          {{- with $operator.extraEnv }}
          env:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with $operator.extraEnvFrom }}
          envFrom:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
            {{- if $metrics.enabled }}
            - { name: metrics, containerPort: {{ $metrics.port }}, protocol: TCP }
            {{- end }}
            - { name: health, containerPort: 8081, protocol: TCP }
          livenessProbe:
            httpGet: { path: /healthz, port: health }
            periodSeconds: 20
            timeoutSeconds: 5
          readinessProbe:
            httpGet: { path: /readyz, port: health }
            periodSeconds: 5
            timeoutSeconds: 5
          {{- with $operator.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
          {{- with $operator.extraVolumeMounts }}
          volumeMounts:
            {{- toYaml . | nindent 12 }}
          {{- end }}
      {{- with $operator.extraVolumes }}
      volumes:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $operator.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $operator.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      affinity:
        {{- if $operator.affinity }}
        {{- toYaml $operator.affinity | nindent 8 }}
        {{- else }}
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchLabels:
                    {{- include "s3-operator.podSelector" . | nindent 20 }}
        {{- end }}
      {{- if $operator.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- $labels := include "s3-operator.podSelector" . | fromYaml }}
        {{- range $operator.topologySpreadConstraints }}
        - {{ mergeOverwrite (dict "labelSelector" (dict "matchLabels" $labels)) . | toYaml | nindent 10 | trim }}
        {{- end }}
      {{- end }}
{{- end -}}

{{- define "s3-operator.podSelector" -}}
{{ include "s3-operator.selectorLabels" . }}
{{- with .shard }}
s3.cloud37.dev/shard: {{ . }}
{{- end }}
{{- end -}}
