"""Pictures of the dashboards: real answers of Prometheus, drawn by Grafana's own panel code.

`draw` is the command. `queries` fills in a dashboard's queries, and `prometheus` asks them. `layout` decides
which panels to show and where, `bundle` makes the page's script (`src/`), and `browser` photographs the page.
Panels of a type that Grafana's npm packages lack (state timelines, heatmaps, gauges) are left out. Nothing
here imitates them.
"""
