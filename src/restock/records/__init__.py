"""What was recorded? Schemas, readers, presets, quarantine, the quality report, a demo company."""

from restock.records.demo_company import (
    DemoCompany,
    DemoCompanyConfig,
    generate_demo_company,
)
from restock.records.demo_market import DemoMarketConfig
from restock.records.demo_shop import DemoShopConfig
from restock.records.exporting import export, export_template, write_quarantine
from restock.records.folder import read_folder
from restock.records.online_retail import read_online_retail
from restock.records.presets import PRESETS, read_preset
from restock.records.quality import Finding, QualityReport, TableQuality
from restock.records.schemas import TABLES, Table
from restock.records.tables import Records

__all__ = [
    "PRESETS",
    "TABLES",
    "DemoCompany",
    "DemoCompanyConfig",
    "DemoMarketConfig",
    "DemoShopConfig",
    "Finding",
    "QualityReport",
    "Records",
    "Table",
    "TableQuality",
    "export",
    "export_template",
    "generate_demo_company",
    "read_folder",
    "read_online_retail",
    "read_preset",
    "write_quarantine",
]
