//go:build tools

// Package tools pins the control plane of Kubernetes 1.35, which the tests are tried on by `npm run kubernetes-versions`.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
)
