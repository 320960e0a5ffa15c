// The page: every panel in its place, and at the end a report of what became of each.

import { DataFrame, dateTime, InterpolateFunction, rangeUtil, ThemeContext, TimeRange } from '@grafana/data';
import { GlobalStyles, Icon, PanelChrome, PortalContainer } from '@grafana/ui';
import { Component, ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import '@fontsource/inter/latin-400.css';
import '@fontsource/inter/latin-500.css';
import { prepared, theme } from './fields';
import { framesOf } from './frames';
import { Visualization } from './panels';
import { Panel, Picture } from './picture';
import { replacing } from './variables';

const COLUMNS = 24;
const ROW_PIXELS = 30;
const GAP_PIXELS = 8;
// Time for measuring and measuring again: legends and tables learn their size from the browser.
const SETTLING_MILLISECONDS = 2000;

const errors = new Map<number, string>();

class Guarded extends Component<{ panel: Panel; children: ReactNode }> {
  state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  componentDidCatch(error: Error) {
    errors.set(this.props.panel.id, error.message);
  }

  render() {
    return this.state.failed ? null : this.props.children;
  }
}

interface Shared {
  picture: Picture;
  replaceVariables: InterpolateFunction;
}

interface Prepared {
  panel: Panel;
  frames: DataFrame[];
}

async function preparedPanels(picture: Picture, replaceVariables: InterpolateFunction): Promise<Prepared[]> {
  return Promise.all(
    picture.panels.map(async (panel) => {
      try {
        return { panel, frames: await prepared(panel, framesOf(panel.answers), replaceVariables) };
      } catch (error) {
        errors.set(panel.id, String(error));
        return { panel, frames: [] };
      }
    })
  );
}

function Placed({ picture, panel, children }: { picture: Picture; panel: Panel; children: ReactNode }) {
  const { left, top, width, height } = placeOf(panel, picture.width);
  return (
    <div id={`panel-${panel.id}`} style={{ position: 'absolute', left, top, width, height }}>
      <Guarded panel={panel}>{children}</Guarded>
    </div>
  );
}

function RowHeading({ panel, title }: { panel: Panel; title: string }) {
  const count = panel.collapsed ? ` (${panel.panels?.length ?? 0} panels)` : '';
  return <h5 style={{ margin: 0, lineHeight: `${ROW_PIXELS}px` }}>{title + count}</h5>;
}

function Chrome({ picture, panel, frames, replaceVariables }: Prepared & Shared) {
  const { width, height } = placeOf(panel, picture.width);
  return (
    <PanelChrome
      title={replaceVariables(panel.title ?? '')}
      description={panel.description}
      titleItems={panel.timeFrom && <OwnRange timeFrom={panel.timeFrom} />}
      displayMode={panel.transparent ? 'transparent' : 'default'}
      width={width}
      height={height}
    >
      {(innerWidth, innerHeight) => (
        <div data-drawing style={{ width: innerWidth, height: innerHeight }}>
          <Visualization
            panel={panel}
            frames={frames}
            timeRange={timeRangeOf(picture, panel)}
            replaceVariables={replaceVariables}
            width={innerWidth}
            height={innerHeight}
          />
        </div>
      )}
    </PanelChrome>
  );
}

function OwnRange({ timeFrom }: { timeFrom: string }) {
  return (
    <PanelChrome.TitleItem>
      <Icon name="clock-nine" size="md" />
      &nbsp;{rangeUtil.describeTextRange(timeFrom).display}
    </PanelChrome.TitleItem>
  );
}

function placeOf({ gridPos }: Panel, pictureWidth: number) {
  const column = (pictureWidth - GAP_PIXELS) / COLUMNS;
  const row = ROW_PIXELS + GAP_PIXELS;
  return {
    left: Math.round(GAP_PIXELS + gridPos.x * column),
    top: GAP_PIXELS + gridPos.y * row,
    width: Math.round(gridPos.w * column) - GAP_PIXELS,
    height: gridPos.h * row - GAP_PIXELS,
  };
}

function timeRangeOf({ from, to }: Picture, { timeFrom }: Panel): TimeRange {
  const start = timeFrom ? to - rangeUtil.intervalToMs(timeFrom) : from;
  const range = { from: dateTime(start), to: dateTime(to) };
  return { ...range, raw: range };
}

/** What became of each panel; one whose frame stayed empty has failed too. */
function report(picture: Picture): void {
  const panels = picture.panels.map(({ id, title = '' }) => {
    const element = document.getElementById(`panel-${id}`);
    const drawing = element?.querySelector<HTMLElement>('[data-drawing]') ?? element;
    const empty = !drawing?.querySelector('canvas') && !drawing?.innerText.trim();
    return { id, title, error: errors.get(id) ?? (empty ? 'nothing was drawn' : null) };
  });
  const element = document.createElement('script');
  element.id = 'report';
  element.type = 'application/json';
  element.textContent = JSON.stringify(panels).replaceAll('<', '\\u003c');
  document.body.append(element);
}

async function main(): Promise<void> {
  const picture: Picture = JSON.parse(document.getElementById('picture')!.textContent!);
  const replaceVariables = replacing(picture.variables);
  const panels = await preparedPanels(picture, replaceVariables);
  await Promise.all(['400', '500'].map((weight) => document.fonts.load(`${weight} 14px Inter`)));

  const root = document.createElement('div');
  document.body.append(root);
  createRoot(root).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      {panels.map(({ panel, frames }) => (
        <Placed key={panel.id} picture={picture} panel={panel}>
          {panel.type === 'row' ? (
            <RowHeading panel={panel} title={replaceVariables(panel.title ?? '')} />
          ) : (
            <Chrome {...{ picture, panel, frames, replaceVariables }} />
          )}
        </Placed>
      ))}
      <PortalContainer />
    </ThemeContext.Provider>
  );
  setTimeout(() => report(picture), SETTLING_MILLISECONDS);
}

void main();
