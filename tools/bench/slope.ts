/** The slope of the straight line through points, by least squares; of too few points, NaN. */
export const slopeOf = (points: readonly (readonly [x: number, y: number])[]): number => {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const under = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return over / under;
};

/** Of each `group` of points the one with the lowest y; fewer at the end make no group. */
export const lowestOf = (
  points: readonly (readonly [x: number, y: number])[],
  group: number,
): readonly (readonly [x: number, y: number])[] =>
  Array.from({ length: Math.floor(points.length / group) }, (_, index) =>
    points.slice(index * group, (index + 1) * group).reduce((low, point) => (point[1] < low[1] ? point : low)),
  );
