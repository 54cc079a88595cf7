//go:build tools

// Package tools pins helm, which installs the charts in tests.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
