//go:build tools

// Package tools pins kind, for machines where a Docker engine answers.
package tools

import _ "sigs.k8s.io/kind"
