// usage: objstore FILE
// Reads FILE as Thanos reads objstore.yml, then writes, lists, reads and removes an object of that bucket.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/go-kit/log"
	"github.com/thanos-io/objstore"
	"github.com/thanos-io/objstore/providers/s3"
	"gopkg.in/yaml.v3"
)

// Source: Thanos, "Object Storage", the form that all clients share.
type file struct {
	Type   string    `yaml:"type"`
	Config yaml.Node `yaml:"config"`
	Prefix string    `yaml:"prefix"`
}

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var read file
	if err := decoder.Decode(&read); err != nil {
		return err
	}
	if read.Type != "S3" {
		return fmt.Errorf("type %q is not S3", read.Type)
	}
	config, err := yaml.Marshal(&read.Config)
	if err != nil {
		return err
	}
	bucket, err := s3.NewBucket(log.NewNopLogger(), config, "test", nil)
	if err != nil {
		return err
	}
	defer bucket.Close()
	return try(ctx, objstore.NewPrefixedBucket(bucket, read.Prefix))
}

func try(ctx context.Context, bucket objstore.Bucket) error {
	const name = "objstore.txt"
	if err := bucket.Upload(ctx, name, bytes.NewReader([]byte("written by Thanos' client"))); err != nil {
		return err
	}
	found := false
	if err := bucket.Iter(ctx, "", func(each string) error { found = found || each == name; return nil }); err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%s is not listed", name)
	}
	reader, err := bucket.Get(ctx, name)
	if err != nil {
		return err
	}
	defer reader.Close()
	text, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	fmt.Println(string(text))
	return bucket.Delete(ctx, name)
}
