"""Renders a chart by Helm's own code: render.py CHART RELEASE NAMESPACE, values as JSON on standard input."""
import json
import sys

import helm_python

chart, release, namespace = sys.argv[1:]
values = json.load(sys.stdin)
with helm_python.Chart.load(chart) as loaded:
    try:
        loaded.validate_schema(values)
        manifests = loaded.render(values, name=release, namespace=namespace)
    except helm_python.HelmError as error:
        sys.exit(f"refused: {error}")
for template in sorted(manifests):
    if template.endswith(".yaml"):
        print("---")
        print(manifests[template])
