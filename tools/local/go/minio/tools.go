//go:build tools

// Package tools pins the MinIO server for the trial and the tests.
package tools

import _ "github.com/minio/minio"
