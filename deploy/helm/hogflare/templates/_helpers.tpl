{{- define "hogflare.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "hogflare.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hogflare.labels" -}}
{{ include "hogflare.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "hogflare.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "hogflare.name" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "hogflare.publicUrl" -}}
{{- if .Values.ingress.enabled -}}
{{- ternary "https" "http" (ne .Values.ingress.tlsSecret "") }}://{{ .Values.ingress.host }}
{{- end -}}
{{- end -}}

{{/* What `settings` says comes last, so that it has the last word. */}}
{{- define "hogflare.settings" -}}
APP_ADDR: 0.0.0.0:8080
HOGFLARE_DATA_DIR: /data
{{- with include "hogflare.publicUrl" . }}
HOGFLARE_PUBLIC_URL: {{ . | quote }}
{{- end }}
{{- if .Values.configFile }}
HOGFLARE_CONFIG: /etc/hogflare/hogflare.toml
{{- end }}
{{- end -}}
