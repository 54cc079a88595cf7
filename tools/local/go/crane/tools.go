//go:build tools

// Package tools pins crane, which pushes images to a registry, and is one for the trial of a release.
package tools

import _ "github.com/google/go-containerregistry/cmd/crane"
