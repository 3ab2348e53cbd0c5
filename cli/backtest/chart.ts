// A backtest as a picture: an SVG file with the price of each symbol, a mark per fill, and the worth beside that of holding;
// and the worth drawn with characters. Drawing alone: its numbers are floats, and nobody reckons with them.
import plot from 'simple-ascii-chart';
import { utc } from '../../shared/strategies/strategy.ts';
import type { Outcome, Point } from './run.ts';
import { holding } from './summary.ts';

type Dot = readonly [at: number, value: number];
interface Line {
  readonly name: string;
  readonly dots: readonly Dot[];
}
interface Mark {
  readonly at: number;
  readonly value: number;
  readonly side: 'buy' | 'sell';
}

const MOST_DOTS = 400;

/** Every so manieth, and the last. */
function thin(dots: readonly Dot[], most: number): readonly Dot[] {
  const step = Math.ceil(dots.length / most);
  return dots.filter((_, index) => index % step === 0 || index === dots.length - 1);
}

function linesOf({ plan, points }: Outcome): { readonly worth: Line; readonly hold: Line } {
  const held = holding(plan, points);
  return {
    worth: { name: plan.name, dots: points.map(({ at, worth }) => [at, worth.toNumber()]) },
    hold: { name: 'holding', dots: points.map(({ at }, index) => [at, held[index]?.toNumber() ?? 0]) },
  };
}

const WIDTH = 880;
const PANEL = 220;
const LEFT = 80;
const RIGHT = 20;
const TOP = 30;

const escape = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const figure = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 6, useGrouping: false }); // prettier-ignore

/** The whole as one file, for light and dark pages. */
export function svg(outcome: Outcome): string {
  const { plan, fills, points } = outcome;
  const { worth, hold } = linesOf(outcome);
  const panels = [
    ...plan.series.map(({ symbol }) => ({
      title: `Price of ${symbol}; ▲ bought, ▼ sold`,
      lines: [{ name: 'price', dots: thin(pricesOf(points, symbol), MOST_DOTS) }],
      marks: fills.flatMap(({ order, time, price }): readonly Mark[] =>
        order.instrument.symbol === symbol ? [{ at: time, value: price.toNumber(), side: order.side }] : [],
      ),
    })),
    {
      title: `Worth in ${plan.quote}`,
      lines: [hold, worth].map(({ name, dots }) => ({ name, dots: thin(dots, MOST_DOTS) })),
      marks: [],
    },
  ];
  const height = panels.length * (PANEL + TOP + 30) + 10;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escape(`Backtest of ${plan.name}, ${utc(plan.from)} to ${utc(plan.to)}`)}</title>`,
    STYLE,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    ...panels.flatMap((panel, index) => drawPanel(panel, index * (PANEL + TOP + 30), plan)),
    '</svg>',
    '',
  ].join('\n');
}

const STYLE = `<style>
.page{fill:#ffffff}text{fill:#24292f}.grid{stroke:#d0d7de}.line{fill:none;stroke-width:1.5}.price{stroke:#57606a}
.hold{stroke:#9a6700;stroke-dasharray:5 3}.worth{stroke:#0969da}.buy{fill:#1a7f37}.sell{fill:#cf222e}
@media (prefers-color-scheme:dark){.page{fill:#0d1117}text{fill:#e6edf3}.grid{stroke:#30363d}.price{stroke:#8b949e}
.hold{stroke:#d29922}.worth{stroke:#58a6ff}.buy{fill:#3fb950}.sell{fill:#f85149}}
</style>`;

function pricesOf(points: readonly Point[], symbol: string): readonly Dot[] {
  return points.map(({ at, prices }) => [at, Number(prices[symbol] ?? 0)]);
}

interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly marks: readonly Mark[];
}

function drawPanel({ title, lines, marks }: Panel, top: number, { from, to }: Outcome['plan']): readonly string[] {
  const values = [...lines.flatMap(({ dots }) => dots.map(([, value]) => value)), ...marks.map(({ value }) => value)];
  const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]); // prettier-ignore
  const span = high > low ? high - low : Math.max(1, high * 0.01);
  const x = (at: number): string => (LEFT + ((at - from) / (to - from)) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (value: number): string => (top + TOP + PANEL - ((value - low) / span) * PANEL).toFixed(1);
  const colour = (name: string): string => (name === 'price' ? 'price' : name === 'holding' ? 'hold' : 'worth');
  return [
    `<text x="${LEFT}" y="${top + 18}" font-weight="bold">${escape(title)}</text>`,
    ...[0, 1, 2, 3, 4].flatMap((index) => {
      const value = low + (span * index) / 4;
      return [
        `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}"/>`,
        `<text x="${LEFT - 6}" y="${(Number(y(value)) + 4).toFixed(1)}" text-anchor="end">${figure(value)}</text>`,
      ];
    }),
    ...[0, 1, 2, 3, 4].map((index) => {
      const at = from + ((to - from) * index) / 4;
      const anchor = index === 0 ? 'start' : index === 4 ? 'end' : 'middle';
      return `<text x="${x(at)}" y="${top + TOP + PANEL + 16}" text-anchor="${anchor}">${timeLabel(at, to - from)}</text>`;
    }),
    ...lines.map(({ name, dots }) => {
      const path = dots.map(([at, value]) => `${x(at)},${y(value)}`).join(' '); // prettier-ignore
      return `<polyline class="line ${colour(name)}" points="${path}"><title>${escape(name)}</title></polyline>`;
    }),
    ...(lines.length > 1 ? legend(lines.map(({ name }) => [name, colour(name)]), top) : []), // prettier-ignore
    ...marks.map(({ at, value, side }) => {
      const says = `<title>${side} at ${figure(value)}, ${utc(at)}</title>`;
      // Tells the side by its shape, too.
      const shape = side === 'buy' ? `M${x(at)} ${y(value)}m0-4l4.5 8h-9z` : `M${x(at)} ${y(value)}m0 4l4.5-8h-9z`;
      return `<path class="${side}" d="${shape}">${says}</path>`;
    }),
  ];
}

function legend(names: readonly (readonly [name: string, colour: string])[], top: number): readonly string[] {
  return names.flatMap(([name, colour], index) => {
    const x = WIDTH - RIGHT - 120 * (names.length - index);
    return [
      `<line class="line ${colour}" x1="${x}" x2="${x + 24}" y1="${top + 14}" y2="${top + 14}"/>`,
      `<text x="${x + 30}" y="${top + 18}">${escape(name)}</text>`,
    ];
  });
}

function timeLabel(at: number, span: number): string {
  const text = utc(at).replace('T', ' ');
  return span >= 4 * 86_400_000 ? text.slice(0, 10) : text.slice(0, 16);
}

/** The worth (•) beside that of holding (·), no wider than `width` columns. */
export function drawn(outcome: Outcome, width: number): string {
  const { worth, hold } = linesOf(outcome);
  const { from, to, quote, name } = outcome.plan;
  const dots = [hold, worth].map((line) => thin(line.dots, width));
  const values = dots.flat().map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const ticks = [0, 1, 2, 3, 4].map((index) => Number(figure(low + ((high - low) * index) / 4)));
  const columns = width - Math.max(...ticks.map((tick) => figure(tick).length)) - 4;
  const both = dots.map((line) => thin(line, columns - 1).map(([at, value]): [number, number] => [at, value]));
  // The library tells which point of a line it draws, and not which line: the first one comes first.
  let line = -1;
  const picture = plot(both, {
    width: columns,
    height: 14,
    hideXAxisTicks: true,
    customYAxisTicks: ticks,
    formatter: (value, { axis }) => (axis === 'x' ? '' : figure(value)),
    lineFormatter: ({ plotX, plotY, index }) => {
      if (index === 0) line += 1;
      return { x: plotX, y: plotY, symbol: line === 0 ? '·' : '•' };
    },
  });
  const lines = picture.split('\n').map((each) => each.trimEnd()).filter((each) => each !== ''); // prettier-ignore
  const [first, last] = [timeLabel(from, to - from), timeLabel(to, to - from)];
  const axis = `${first}${last.padStart(Math.max(0, columns - first.length))}`;
  return [`Worth in ${quote}: • ${name}, · holding`, ...lines, axis.padStart(width - 2)].join('\n');
}
