{{- define "sigill.name" -}}
{{ printf "%s-%s" .root.Release.Name .worker | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "sigill.selector" -}}
app.kubernetes.io/name: sigill
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .worker }}
{{- end }}

{{- define "sigill.labels" -}}
{{ include "sigill.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "sigill.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* The settings of one worker as environment variables. Secrets are files, never here. */}}
{{- define "sigill.env" -}}
{{- $own := dict }}
{{- with index .root.Values.workers .worker }}{{ $own = default dict .config }}{{ end }}
{{- range $name, $value := merge (deepCopy $own) .root.Values.config }}
- name: SIGILL_{{ upper $name }}
  value: {{ $value | quote }}
{{- end }}
- name: SIGILL_SECRETS_DIR
  value: /run/secrets/sigill
{{- with .root.Values.database }}
- name: SIGILL_DATABASE_URL
  value: {{ printf "postgresql://%s@%s:%d/%s" (default (index .users "intake") (index .users $.worker)) .host (int .port) .name | quote }}
- name: SIGILL_DATABASE_TLS
  value: {{ .tls | quote }}
{{- end }}
{{- with .root.Values.kafka }}
- name: SIGILL_KAFKA_BOOTSTRAP
  value: {{ .bootstrap | quote }}
{{- /* transitions and migrate have no user there and never connect; SASL without one would be refused */}}
{{- $user := index (default dict .users) $.worker }}
- name: SIGILL_KAFKA_SECURITY_PROTOCOL
  value: {{ ternary .securityProtocol (trimPrefix "SASL_" .securityProtocol) (not (empty $user)) | quote }}
- name: SIGILL_KAFKA_GROUP_PREFIX
  value: {{ .groupPrefix | quote }}
{{- with index (default dict .users) $.worker }}
- name: SIGILL_KAFKA_SASL_USERNAME
  value: {{ . | quote }}
{{- end }}
{{- if .topicPrefix }}
- name: SIGILL_KAFKA_TOPIC_PREFIX
  value: {{ .topicPrefix | quote }}
{{- end }}
{{- end }}
- name: SIGILL_TRUST_ANCHORS
  value: /trust/anchors
{{- with .root.Values.trust.crlUrls }}
- name: SIGILL_CRL_URLS
  value: {{ join "," . | quote }}
- name: SIGILL_CRL_CACHE
  value: /tmp/crl
{{- end }}
- name: SIGILL_INSTANCE
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
{{- end }}

{{/* What every pod has: no privileges, nothing writable but /tmp, secrets and anchors as files. */}}
{{- define "sigill.pod" -}}
{{- $secret := default (printf "%s-%s" .root.Values.secretName .worker) .secret }}
{{- with .root }}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: { sizeLimit: 256Mi }
  - name: secrets
    secret: { secretName: {{ $secret }}, defaultMode: 0440 }
  - name: anchors
    configMap: { name: {{ .Values.trust.configMap }} }
{{- end }}
{{- end }}

{{- define "sigill.container" -}}
image: {{ include "sigill.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities: { drop: [ALL] }
volumeMounts:
  - { name: tmp, mountPath: /tmp }
  - { name: secrets, mountPath: /run/secrets/sigill, readOnly: true }
  - { name: anchors, mountPath: /trust/anchors, readOnly: true }
{{- end }}
