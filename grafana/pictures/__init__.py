"""Pictures of the dashboards: real answers of Prometheus, drawn by Grafana's own panel code.

`draw` is the command. `queries` fills in a dashboard's queries and `prometheus` asks them, `layout` says
which panels are shown and where, `bundle` makes the page's script (`src/`), `browser` photographs the page.
Panels of a type that Grafana's npm packages lack (state timelines, heatmaps, gauges) are left out: nothing
here imitates them.
"""
