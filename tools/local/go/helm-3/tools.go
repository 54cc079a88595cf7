//go:build tools

// Package tools pins helm 3, with which the charts are tried by `npm run kubernetes-versions`.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
