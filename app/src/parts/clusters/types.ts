// What the server says about clusters.

export interface Clustering {
  table: string;
  by: string;
  clusters: number;
  unassigned: number;
}

export interface Cluster {
  cluster: number;
  name: string | null;
  n: number;
  silhouette: number | null;
  merged: number[];
  examples: string[];
}

export interface Clusters {
  clusters: Cluster[];
  unassigned: number;
}
