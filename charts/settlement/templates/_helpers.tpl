{{- define "settlement.labels" -}}
app.kubernetes.io/part-of: settlement
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
settlement/environment: {{ .Values.environment }}
{{- end }}

{{/* An image by digest; by tag in dev alone. Called with (dict "root" $ "name" "api"). */}}
{{- define "settlement.image" -}}
{{- $image := index .root.Values.image .name -}}
{{- $name := $image.repository -}}
{{- if .root.Values.image.registry }}{{ $name = printf "%s/%s" .root.Values.image.registry $name }}{{ end -}}
{{- if $image.digest -}}
{{ printf "%s@%s" $name $image.digest }}
{{- else if ne .root.Values.environment "dev" -}}
{{ fail (printf "image.%s.digest is needed in %s: give the release's own file, -f release.yaml" .name .root.Values.environment) }}
{{- else if $image.tag -}}
{{ printf "%s:%s" $name $image.tag }}
{{- else -}}
{{ fail (printf "image.%s has neither digest nor tag: give the release's own file, -f release.yaml" .name) }}
{{- end -}}
{{- end }}

{{- define "settlement.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "settlement.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* A rollout when settings change: pods read them once. */}}
{{- define "settlement.checksum" -}}
checksum/settings: {{ printf "%s%s" (toYaml .Values.settings) (toYaml .Values.api.settings) | sha256sum }}
{{- end }}

{{- define "settlement.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* A job's pod that runs the command `settlement ledger verify`. Called with (dict "root" $ "component" … "secret" …). */}}
{{- define "settlement.ledgerPod" -}}
metadata:
  labels:
    {{- include "settlement.labels" .root | nindent 4 }}
    app.kubernetes.io/name: settlement-ledger
    app.kubernetes.io/component: {{ .component }}
spec:
  serviceAccountName: settlement-ledger
  automountServiceAccountToken: false
  enableServiceLinks: false
  restartPolicy: Never
  securityContext:
    {{- include "settlement.podSecurity" .root | nindent 4 }}
  {{- with include "settlement.pullSecrets" .root }}
  {{- . | nindent 2 }}
  {{- end }}
  containers:
    - name: ledger
      image: {{ include "settlement.image" (dict "root" .root "name" "api") }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      command: [settlement, ledger, verify, --warehouse, $(SETTLEMENT_WAREHOUSE)]
      envFrom:
        - configMapRef: {name: settlement-settings}
        - secretRef: {name: {{ .secret }}}
      securityContext:
        {{- include "settlement.containerSecurity" .root | nindent 8 }}
      resources:
        {{- toYaml .root.Values.ledger.verify.resources | nindent 8 }}
      volumeMounts:
        - {name: scratch, mountPath: /tmp}
  volumes:
    - name: scratch
      emptyDir: {sizeLimit: 1Gi}
{{- end }}

{{/* Peers of a NetworkPolicy out of addresses. */}}
{{- define "settlement.addresses" -}}
{{- range $index, $address := . }}
{{- if $index }}
{{ end -}}
- ipBlock: {cidr: {{ $address }}}
{{- end }}
{{- end }}

{{- define "settlement.podImage" -}}
{{- if or .Values.image.audit.digest .Values.image.audit.tag (ne .Values.environment "dev") }}{{ include "settlement.image" (dict "root" . "name" "audit") }}{{ end -}}
{{- end }}

{{/* The pod that brings Airflow's database to the release's form. */}}
{{- define "settlement.airflowMigratePod" -}}
metadata:
  labels:
    {{- include "settlement.labels" . | nindent 4 }}
    app.kubernetes.io/name: settlement-airflow-migrate
    tier: airflow
    component: migrate
spec:
  serviceAccountName: settlement-airflow-migrate
  automountServiceAccountToken: false
  enableServiceLinks: false
  restartPolicy: Never
  securityContext:
    {{- include "settlement.podSecurity" . | nindent 4 }}
  {{- with include "settlement.pullSecrets" . }}
  {{- . | nindent 2 }}
  {{- end }}
  containers:
    - name: migrate
      image: {{ include "settlement.image" (dict "root" . "name" "airflow") }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [sh, -c]
      args: ["airflow db migrate && exec airflow pools set engine {{ .Values.airflow.migrate.engineSlots }} 'builds and audits at work at once'"]
      env:
        - {name: AIRFLOW_HOME, value: /tmp}
        - {name: AIRFLOW__CORE__AUTH_MANAGER, value: airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager}
        - name: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN
          valueFrom: {secretKeyRef: {name: {{ .Values.airflow.migrate.secret }}, key: direct}}
      securityContext:
        {{- include "settlement.containerSecurity" . | nindent 8 }}
      resources:
        {{- toYaml .Values.airflow.migrate.resources | nindent 8 }}
      volumeMounts:
        - {name: scratch, mountPath: /tmp}
  volumes:
    - name: scratch
      emptyDir: {sizeLimit: 1Gi}
{{- end }}
