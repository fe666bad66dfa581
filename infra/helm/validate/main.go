// Reads rendered manifests from standard input and decodes each with the types of the Kubernetes API itself, strictly:
// a field that the API does not know, a field twice, or a value of the wrong type is an error. Needs no cluster.
//
// Kinds of other makers (KEDA, Prometheus) are named on standard output as `other`; their fields are held against a
// list by tests/adoption/test_helm.py.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
)

func main() {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	failed := false
	for {
		document, err := documents.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		json, err := yaml.ToJSON(document)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if string(json) == "null" {
			continue
		}
		_, kind, err := decoder.Decode(json, nil, nil)
		switch {
		case err == nil:
			fmt.Println("ok", kind.Kind)
		case runtime.IsNotRegisteredError(err):
			fmt.Println("other", kind.Kind)
		default:
			failed = true
			fmt.Fprintln(os.Stderr, kind, err)
		}
	}
	if failed {
		os.Exit(1)
	}
}
