//go:build tools

// Package tools pins kube-router, which enforces NetworkPolicies on a node.
package tools

import _ "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router"
